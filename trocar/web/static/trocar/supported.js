// Runs before the page is drawn, so that nothing jumps when the modules arrive.
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
}
