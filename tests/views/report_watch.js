// Stands first in the page: keeps what goes wrong.
window.seen = []; window.shifts = 0;
addEventListener("error", (e) => seen.push("error: " + e.message));
addEventListener("unhandledrejection", (e) => seen.push("rejected: " + e.reason));
addEventListener("securitypolicyviolation", (e) => seen.push("request: " + e.blockedURI));
for (const kind of ["error", "warn"]) { const was = console[kind]; console[kind] = (...a) => { seen.push(kind + ": " + a.join(" ")); was(...a); }; }
