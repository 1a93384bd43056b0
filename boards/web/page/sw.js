// SPDX-License-Identifier: Apache-2.0
// The service worker: after the first visit the page works without a network.

// `stapes page` writes this line: all files of the site, and a name for their content.
const SITE = { version: "", files: ["./"] };

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const CACHE = `stapes-${SITE.version}`;

worker.addEventListener("install", (event) => {
  event.waitUntil(keepSite());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers());
});

worker.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function keepSite() {
  const cache = await caches.open(CACHE);
  // Past the browser's own cache, which may hold files of the version before.
  await cache.addAll(SITE.files.map((file) => new Request(file, { cache: "reload" })));
  await worker.skipWaiting();
}

async function forgetOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("stapes-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/**
 * The server's, which is the newest; without a server what was kept.
 *
 * @param {Request} request
 */
async function answer(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept === undefined) throw error;
    return kept;
  }
}
