// The token leaves the address bar at once, so that neither history nor a shared screen keeps it; so does one that is
// pasted into an open tab, which loads no page.
function followToken(show) {
  const take = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    for (const link of byId("languages").querySelectorAll("a")) {
      // The other language needs the token too; the fragment is not sent to any server.
      link.hash = token ? `token=${encodeURIComponent(token)}` : "";
    }
    show(token);
  };
  window.addEventListener("hashchange", () => {
    if (location.hash) take();
  });
  take();
}
