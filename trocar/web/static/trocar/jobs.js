// Keeps jobs on a page up to date; when one begins or ends, the page is loaded again.

const PAUSE_MS = 1000;
const shown = [...document.querySelectorAll("[data-job]")].filter((job) => job.querySelector("progress"));

async function changed(job) {
  const answer = await fetch(job.dataset.job, { headers: { Accept: "application/json" } });
  if (!answer.ok) return answer.status === 404 || answer.redirected;
  const now = await answer.json();
  if (now.state !== job.dataset.state) return true;
  job.querySelector("progress").value = now.percent;
  const words = job.querySelector(".job-words");
  if (now.words && words.textContent !== now.words) words.textContent = now.words;
  return false;
}

async function watch() {
  let again = false;
  try {
    again = (await Promise.all(shown.map(changed))).includes(true);
  } catch {
    // the server was stopped; it may come back
  }
  if (again) location.reload();
  else setTimeout(watch, PAUSE_MS);
}

if (shown.length) watch();
