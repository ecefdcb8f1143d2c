/** Every workflow type, and nothing else: any exported function can be started by its name. */
export { apply } from './apply.js';
export { logs } from './logs.js';
export { operation } from './operation.js';
export { plan } from './plan.js';
