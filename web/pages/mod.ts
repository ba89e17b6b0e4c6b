// The web page: server-rendered, one style sheet, one script, nothing loaded from elsewhere.
export { type Asset, ASSETS } from "./assets.ts";
export { type PageFacts, renderPage } from "./home.tsx";
export { addPage, addTrustPage } from "./route.ts";
