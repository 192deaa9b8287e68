// Delivery status: asks the receipt as often as it says, until it is final. A person who comes back to the tab sees at
// once what happened elsewhere.
const SLOWEST_MS = 15000;
const RESTING = ["sent", "unconfirmed"]; // now it is the person whom we wait for
let follow = 0; // which receipt is being followed; an older one stops by itself
let shown = 0; // steps of it that the list has
let wake = () => {};

for (const event of ["focus", "online", "storage"]) window.addEventListener(event, () => wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake();
});

const pause = (ms) =>
  new Promise((resume) => {
    const timer = setTimeout(resume, ms);
    wake = () => {
      clearTimeout(timer);
      resume();
    };
  });

async function followReceipt(receipt, tell) {
  const mine = ++follow;
  shown = 0;
  byId("timeline").replaceChildren();
  notice("waiting", texts.states.waiting);
  for (let failures = 0; ; ) {
    const answer = await call("GET", `/v1/receipts/${encodeURIComponent(receipt)}`);
    if (mine !== follow) return;
    failures = answer.ok ? 0 : failures + 1;
    if (answer.ok) append(answer.data.timeline);
    const ended = answer.ok ? answer.data.final : answer.status === 404;
    const open = answer.ok ? texts.states.waiting : texts.states.unreachable;
    notice("waiting", ended || RESTING.includes(answer.data.state) ? "" : open);
    if (answer.ok) tell(answer.data.state);
    if (ended || mine !== follow) return;
    await pause(answer.ok ? (answer.data.poll_after || 1) * 1000 : Math.min(SLOWEST_MS, 1000 * 2 ** failures));
    if (mine !== follow) return;
  }
}

const stopFollowing = () => (follow += 1);

// Only ever appended to, so that it is read out step by step; a state we have no words for is left out.
function append(timeline) {
  for (const { state, at } of timeline.slice(shown)) if (texts.states[state]) byId("timeline").append(entry(state, at));
  shown = Math.max(shown, timeline.length);
}

function entry(state, at) {
  const item = document.createElement("li");
  item.className = state;
  const time = document.createElement("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString(lang, { timeStyle: "short" });
  item.append(texts.states[state], time);
  return item;
}
