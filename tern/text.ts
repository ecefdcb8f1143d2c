import { TEXT_CHARACTERS_MAX } from './limits.js';

const IP_ADDRESS = /(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\])(?::\d+)?(?![\w.]\d)/g;
/** What Node says about a connection that failed; the only place where an IPv6 address comes without brackets. */
const CONNECT_ERROR = /\b((?:connect|bind|getaddrinfo) E[A-Z]+ )\S+/g;
const CREDENTIALS_IN_URL = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

/**
 * A text that may have come from the network, made fit for histories and terminals: the engine's address and any IP
 * address or password in a URL is taken out, and a very long text is cut.
 */
export function cleanText(text: string, address: string): string {
  let clean = text.replace(CREDENTIALS_IN_URL, '$1***@');
  for (const name of namesOf(address)) clean = clean.replaceAll(name, '<address>');
  clean = clean.replace(CONNECT_ERROR, '$1<address>').replace(IP_ADDRESS, '<address>').trim();
  return shorten(clean);
}

function shorten(text: string): string {
  if (text.length <= TEXT_CHARACTERS_MAX) return text;
  return `${text.slice(0, TEXT_CHARACTERS_MAX)} … (${text.length - TEXT_CHARACTERS_MAX} more characters)`;
}

/** The address as configured, without its scheme, and its host alone; longest first. A bare `localhost` is no secret. */
function namesOf(address: string): readonly string[] {
  const withoutScheme = address.replace(/^[a-z]+:(\/\/[^/]*\/)?/i, '');
  const host = withoutScheme.replace(/:\d+$/, '');
  return [address, withoutScheme, host].filter((name) => name.length > 3 && name !== 'localhost');
}
