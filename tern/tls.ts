import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type ChannelCredentials, credentials as channelCredentials } from '@grpc/grpc-js';
import type { CredentialsSource } from './connection.js';

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

/**
 * Credentials from files that may be exchanged while the worker runs: certificates expire, and a rollout can last longer
 * than they do. The files are read again when a connection fails and they have changed; files that cannot be used, such
 * as a certificate whose key is still being written, leave the credentials as they were.
 */
export class TlsCredentials implements CredentialsSource {
  readonly #configuration: TlsConfiguration;
  #signature: string;
  #current: ChannelCredentials;

  /** Throws `TlsFilesUnusable` with every problem of the files. */
  constructor(configuration: TlsConfiguration) {
    this.#configuration = configuration;
    this.#signature = signatureOf(configuration);
    this.#current = readCredentials(configuration);
  }

  current(): ChannelCredentials {
    return this.#current;
  }

  refresh(): boolean {
    const signature = signatureOf(this.#configuration);
    if (signature === this.#signature) return false;
    try {
      this.#current = readCredentials(this.#configuration);
    } catch (error) {
      if (error instanceof TlsFilesUnusable) return false;
      throw error;
    }
    this.#signature = signature;
    return true;
  }
}

/** What is wrong with the files, one line each, naming the option and the file. */
export class TlsFilesUnusable extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'TlsFilesUnusable';
    this.problems = problems;
  }
}

/** Reads and checks the files. What the peer presents is checked when a connection is made. */
function readCredentials({ ca, cert, key }: TlsConfiguration): ChannelCredentials {
  const problems: string[] = [];
  if ((cert === undefined) !== (key === undefined)) problems.push('tls.cert and tls.key go together; one is missing');
  const authorities = read('tls.ca', ca, problems, parseCertificate);
  const certificate = read('tls.cert', cert, problems, parseCertificate);
  const privateKey = read('tls.key', key, problems, (content) => void createPrivateKey(content));
  if (problems.length === 0 && certificate !== null && privateKey !== null) {
    const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
    if (!matches) problems.push(`tls.key ${key} is not the key of tls.cert ${cert}`);
  }
  if (problems.length > 0) throw new TlsFilesUnusable(problems);
  return channelCredentials.createSsl(authorities, privateKey, certificate);
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

/** Changes whenever one of the files does, also when it is exchanged as a whole by a symbolic link. */
function signatureOf({ ca, cert, key }: TlsConfiguration): string {
  const marks = [ca, cert, key].map((file) => {
    const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
  });
  return marks.join('|');
}
