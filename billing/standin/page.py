"""The stand-in's hosted checkout page: plain HTML with a style of its own and no script."""

from __future__ import annotations

from html import escape
from string import Template

from billing.standin.tables import Json

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer"><title>$title</title>
<style>
:root { color-scheme: light dark; --paper: light-dark(#f4f5f6, #14171a); --card: light-dark(#fff, #1e2327);
  --ink: light-dark(#191c1f, #eef1f3); --soft: light-dark(#565e66, #a8b2bb); --line: light-dark(#dfe3e6, #363d43);
  --lead: light-dark(#0b57c2, #8ab8ff); --on-lead: light-dark(#fff, #0a1a30); --alert: light-dark(#a3231f, #ff9d94);
  --alert-tint: light-dark(#fdecea, #3c1f1d); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Noto Sans", sans-serif; }
header { padding: .8rem 1rem; text-align: center; background: light-dark(#fff4d9, #37301d); font-size: .9rem; }
main { width: min(100% - 2rem, 27rem); margin: 2rem auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; padding: 1.5rem; box-shadow: 0 8px 24px -14px rgb(0 0 0 / .3); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; } p { margin: .75rem 0; }
dl { display: grid; grid-template-columns: 1fr auto; gap: .35rem 1rem; margin: 0 0 1rem; padding-bottom: 1rem;
  border-bottom: 1px solid var(--line); }
dd { margin: 0; font-variant-numeric: tabular-nums; } .total { font-weight: 700; }
.field { border: 1px solid var(--line); border-radius: 9px; padding: .6rem .9rem; }
.soft { color: var(--soft); font-size: .9rem; }
.alert { background: var(--alert-tint); color: var(--alert); border-radius: 9px; padding: .7rem .9rem;
  font-weight: 600; }
button, .button { width: 100%; min-height: 3rem; border-radius: 999px; font: 600 1rem/1.2 system-ui, sans-serif;
  cursor: pointer; border: 1.5px solid var(--line); background: transparent; color: var(--lead); display: flex;
  align-items: center; justify-content: center; text-decoration: none; margin-top: .7rem; }
button.main { background: var(--lead); color: var(--on-lead); border-color: transparent; }
:focus-visible { outline: 3px solid #b4532f; outline-offset: 3px; }
</style></head><body><header>Practice checkout: no real money moves, no card is asked for.</header>
<main>$body</main></body></html>""")


def _dollars(money: Json) -> str:
    return f"${money['amount'] // 100}.{money['amount'] % 100:02d} {money['currency']}"


def checkout(link: Json, order: Json, *, declined: bool) -> str:
    """The page for one link: what is bought, for how much, and three ways on."""
    rows = "".join(
        f"<dt>{escape(str(item.get('name', 'Item')))}</dt><dd>{_dollars(item['base_price_money'])}</dd>"
        for item in order["line_items"]
    )
    total = f"<dt class=total>Total</dt><dd class=total>{_dollars(order['total_money'])}</dd>"
    head = f"<h1>Pay by card</h1><dl>{rows}{total}</dl>"
    if order.get("tenders"):
        back = escape(str(link["checkout_options"].get("redirect_url", "")), quote=True)
        body = f'{head}<p role="status">This is already paid. Thank you.</p><a class=button href="{back}">Go back</a>'
        return _PAGE.substitute(title="Already paid", body=body)
    alert = '<p class=alert role="alert">The card was declined. Nothing was charged. You can try again.</p>'
    here = f"/pay/{escape(link['id'], quote=True)}"
    body = f"""{head}{alert if declined else ""}
<div class=field><div class=soft>Card</div>Practice card ending in 1111</div>
<form method=post action="{here}/pay"><button class=main>Pay {_dollars(order["total_money"])}</button></form>
<form method=post action="{here}/decline"><button>Decline the card</button></form>
<form method=post action="{here}/back"><button>Go back without paying</button></form>"""
    return _PAGE.substitute(title="Pay by card", body=body)


def message(title: str, sentence: str) -> str:
    """A page that only says something."""
    return _PAGE.substitute(title=escape(title), body=f"<h1>{escape(title)}</h1><p>{escape(sentence)}</p>")
