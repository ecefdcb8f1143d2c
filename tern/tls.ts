import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials as channelCredentials } from '@grpc/grpc-js';

/** TLS towards one engine. All files are PEM. */
export interface TlsConfiguration {
  /** File with the certificates of the authorities to trust. Absent: the system's. */
  readonly ca?: string;
  /** File with this worker's certificate, for an engine that asks for one. With `key` or not at all. */
  readonly cert?: string;
  /** File with the private key of `cert`. */
  readonly key?: string;
  /** The name in the engine's certificate, where it is not the host of the address. */
  readonly serverName?: string;
}

export interface TlsCredentials {
  /** Null when there are problems. */
  readonly credentials: ChannelCredentials | null;
  /** One line each, naming the option and the file. */
  readonly problems: readonly string[];
}

/** Reads and checks the files. What the peer presents is checked when a connection is made. */
export function readTlsCredentials({ ca, cert, key }: TlsConfiguration): TlsCredentials {
  const problems: string[] = [];
  if ((cert === undefined) !== (key === undefined)) problems.push('tls.cert and tls.key go together; one is missing');
  const authorities = read('tls.ca', ca, problems, parseCertificate);
  const certificate = read('tls.cert', cert, problems, parseCertificate);
  const privateKey = read('tls.key', key, problems, (content) => void createPrivateKey(content));
  if (problems.length === 0 && certificate !== null && privateKey !== null) {
    const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
    if (!matches) problems.push(`tls.key ${key} is not the key of tls.cert ${cert}`);
  }
  if (problems.length > 0) return { credentials: null, problems };
  return { credentials: channelCredentials.createSsl(authorities, privateKey, certificate), problems };
}

function read(
  option: string,
  file: string | undefined,
  problems: string[],
  parse: (content: Buffer) => void,
): Buffer | null {
  if (file === undefined) return null;
  try {
    const content = readFileSync(file);
    parse(content);
    return content;
  } catch (error) {
    problems.push(`${option} ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function parseCertificate(content: Buffer): void {
  void new X509Certificate(content);
}
