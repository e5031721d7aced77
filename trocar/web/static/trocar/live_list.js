// A live list must never be replaced by the sign-in page: then the whole page is asked for again.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = new URL(event.detail.xhr.responseURL || location.href);
  if (answered.pathname !== location.pathname) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
