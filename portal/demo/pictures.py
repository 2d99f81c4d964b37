"""Photo-like pictures of skin for the demo and the tests. Drawn, never a real face.

The light falls from a window on one side; a head-like shape without features carries marks
whose number stands for how the skin is doing.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

TONES = ((232, 196, 170), (214, 168, 134), (186, 134, 98), (150, 102, 72), (112, 74, 52), (82, 54, 40))
WALLS = ((206, 214, 210), (222, 214, 200), (196, 206, 216), (214, 206, 212))


@dataclass(frozen=True)
class Sitter:
    """Who is drawn: everything else follows from the number."""

    number: int
    marks: int = 24

    @property
    def tone(self) -> tuple[int, int, int]:
        return TONES[self.number % len(TONES)]


def picture(sitter: Sitter, view: str = "front", *, size: tuple[int, int] = (900, 1200), quality: int = 86) -> bytes:
    """A JPEG of one view (``front``, ``left``, ``right``); the same arguments give the same picture."""
    dice = random.Random(f"{sitter.number}:{view}")  # noqa: S311 - a drawing, not a secret
    width, height = size
    image = Image.new("RGB", size, WALLS[sitter.number % len(WALLS)])
    _window_light(image, left=view != "right")
    shift = {"left": -0.09, "right": 0.09}.get(view, 0.0)
    face = (
        int(width * (0.2 + shift)), int(height * 0.14), int(width * (0.8 + shift)), int(height * 0.84),
    )
    _shoulders(image, sitter, face)
    _head(image, sitter, face)
    _marks(image, sitter, face, dice)
    image = image.filter(ImageFilter.GaussianBlur(width / 900))
    image = ImageChops.overlay(image, _grain(size))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


@lru_cache(maxsize=4)
def _grain(size: tuple[int, int]) -> Image.Image:
    """The grain of a phone's sensor; one for all pictures of a size."""
    noise = Image.effect_noise(size, 22).convert("RGB")
    return Image.blend(Image.new("RGB", size, (128, 128, 128)), noise, 0.35)


def _window_light(image: Image.Image, *, left: bool) -> None:
    gradient = Image.linear_gradient("L").rotate(90 if left else -90).resize(image.size)
    shade = Image.new("RGB", image.size, (40, 44, 48))
    image.paste(Image.composite(image, shade, gradient.point(lambda v: 150 + v * 105 // 255)))


def _shoulders(image: Image.Image, sitter: Sitter, face: tuple[int, int, int, int]) -> None:
    left, _top, right, bottom = face
    draw = ImageDraw.Draw(image)
    middle, half = (left + right) // 2, (right - left) // 2
    neck = tuple(int(part * 0.82) for part in sitter.tone)
    draw.rectangle((middle - half // 2, bottom - half // 2, middle + half // 2, image.height), fill=neck)
    cloth = ((74, 96, 92), (96, 84, 104), (88, 92, 74), (70, 82, 104))[sitter.number % 4]
    draw.ellipse((middle - half * 2, int(bottom * 1.02), middle + half * 2, bottom + half * 3), fill=cloth)


def _head(image: Image.Image, sitter: Sitter, face: tuple[int, int, int, int]) -> None:
    width, height = face[2] - face[0], face[3] - face[1]
    ball = Image.radial_gradient("L").resize((width, height)).point(lambda v: max(0, 255 - int(v * 0.62)))
    skin = Image.composite(
        Image.new("RGB", (width, height), sitter.tone),
        Image.new("RGB", (width, height), tuple(int(part * 0.55) for part in sitter.tone)),
        ball,
    )
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, width, height), fill=255)
    image.paste(skin, face[:2], mask.filter(ImageFilter.GaussianBlur(width / 120)))


def _marks(image: Image.Image, sitter: Sitter, face: tuple[int, int, int, int], dice: random.Random) -> None:
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    middle_x, middle_y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    for _ in range(sitter.marks):
        x = middle_x + dice.gauss(0, 0.2) * (face[2] - face[0])
        y = middle_y + dice.gauss(0.08, 0.18) * (face[3] - face[1])
        inside = ((x - middle_x) / (face[2] - face[0])) ** 2 + ((y - middle_y) / (face[3] - face[1])) ** 2 < 0.18
        if not inside:
            continue
        radius = dice.uniform(0.006, 0.016) * (face[2] - face[0])
        red = (178 + dice.randint(-16, 24), 72 + dice.randint(-12, 18), 66, dice.randint(90, 165))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=red)
    soft = layer.filter(ImageFilter.GaussianBlur(image.width / 450))
    image.paste(soft.convert("RGB"), (0, 0), soft.getchannel("A"))
