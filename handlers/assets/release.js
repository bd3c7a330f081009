// Replaces the page's changing part whenever the server sends a new one. The
// browser reconnects by itself after a lost connection.
const rollout = document.getElementById("rollout");
new EventSource(rollout.dataset.events).onmessage = (event) => { rollout.innerHTML = event.data; };
