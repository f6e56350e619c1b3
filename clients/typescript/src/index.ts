export { Code } from "@connectrpc/connect";
export { type CarshareClient, type CarshareOptions, createCarshareClient } from "./client.js";
export { CarshareError, type FieldViolation } from "./errors.js";
export type { NotificationEvent, NotificationOptions } from "./notifications.js";
export type { RetryPolicy } from "./retry.js";
export type { Session } from "./session.js";
export { memoryTokenStore, type Tokens, type TokenStore, webTokenStore } from "./tokens.js";
