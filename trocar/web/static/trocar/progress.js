// Keeps "being planned" up to date; when a case starts or ends, the page is loaded again.

const PAUSE_MS = 1000;
const address = document.querySelector("script[data-address]").dataset.address;
const shown = [...document.querySelectorAll("[data-plan]")];

async function refresh() {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) return false;
  const plans = new Map((await answer.json()).plans.map((plan) => [plan.id, plan]));
  for (const element of shown) {
    const plan = plans.get(element.dataset.plan);
    if (!plan || plan.state !== element.dataset.state) return true;
    element.querySelector("progress").value = plan.percent;
    const message = element.querySelector(".progress-message");
    if (plan.message && message.textContent !== plan.message) message.textContent = plan.message;
  }
  return false;
}

async function watch() {
  let changed = false;
  try {
    changed = await refresh();
  } catch {
    // the server was stopped; it may come back
  }
  if (changed) location.reload();
  else setTimeout(watch, PAUSE_MS);
}

watch();
