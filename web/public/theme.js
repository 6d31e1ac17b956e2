// Runs before the first paint, so that a chosen theme never flashes the other one.
try {
	var chosen = localStorage.getItem("madang.theme");
	if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch (ignored) {
	// Storage may be forbidden; then the system's theme holds.
}
