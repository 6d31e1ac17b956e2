// Shows what the server pushes while no page is open, and opens the page it is about. It keeps nothing and answers no requests.
self.addEventListener("push", (event) => {
	let news = {};
	try {
		news = event.data?.json() ?? {};
	} catch {
		// A push that cannot be read still says that there is something.
	}
	event.waitUntil(self.registration.showNotification(news.title || self.location.host, { body: news.body ?? "", icon: news.icon, tag: news.notification_id ? String(news.notification_id) : undefined, data: { path: "/notifications" } }));
});

self.addEventListener("notificationclick", (event) => {
	event.notification.close();
	event.waitUntil(
		(async () => {
			const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
			const page = pages[0];
			if (page) {
				await page.focus();
				await page.navigate(event.notification.data.path).catch(() => undefined);
			} else await self.clients.openWindow(event.notification.data.path);
		})(),
	);
});
