// Paper: what stands on every page's edge, and pictures that are there before the press.

/** Browsers that know margin boxes print this line on each page; others print it never, and the first page has it all. */
const line = document.querySelector("[data-every-page]");
if (line) document.documentElement.style.setProperty("--every-page", JSON.stringify(line.textContent));
for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
