import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { type TestContext, expect, onTestFinished, test } from 'vitest';
import { createEngines, type EngineConfiguration, EngineConfigurationInvalid } from '../../tern/engines.js';
import type { TlsConfiguration } from '../../tern/tls.js';
import { PLAN_REQUEST } from '../support/engine-pair.js';
import { startScriptedEngine } from '../support/scripted-engine.js';

const certificate = (name: string): string => path.join(import.meta.dirname, '..', 'support', 'certificates', name);

function problemsOf(configuration: Readonly<Record<string, EngineConfiguration>>): readonly string[] {
  try {
    createEngines(configuration).close();
  } catch (error) {
    if (error instanceof EngineConfigurationInvalid) return error.problems;
    throw error;
  }
  return [];
}

function withTls(tls: TlsConfiguration) {
  return { eu: { address: 'engine.internal:9090', tls } };
}

test('an engine is found by its deployment, and an unknown one is refused with the names that are known', () => {
  const engines = createEngines({ us: { address: 'a:1' }, eu: { address: 'b:1' } });
  onTestFinished(() => engines.close());
  expect(engines.engineFor('eu')).toBe(engines.engineFor('eu'));
  expect(() => engines.engineFor('asia')).toThrow(/deployment asia: .* it names: eu, us\./);
  expect(() => engines.addressDigest('asia')).toThrow(expect.objectContaining({ type: 'UnknownDeployment' }) as Error);
});

test('two deployments with one address have one digest, which does not show the address', () => {
  const engines = createEngines({
    a: { address: 'Engine.internal:9090' },
    b: { address: 'dns:///engine.internal:9090' },
    c: { address: 'engine.internal:9091' },
  });
  onTestFinished(() => engines.close());
  const [a, b, c] = ['a', 'b', 'c'].map((deployment) => engines.addressDigest(deployment));
  expect(a).toBe(b);
  expect(a).not.toBe(c);
  expect(a).toMatch(/^[0-9a-f]{16}$/);
});

test('every problem of a configuration is named with its deployment, option and file', () => {
  const problems = problemsOf({
    eu: { address: 'no-port' },
    us: { address: 'b:1', tls: { ca: '/nowhere/ca.pem', cert: certificate('client.pem') } },
    asia: { address: 'c:1', tls: { ca: certificate('README.md') } },
  });
  expect(problems).toEqual([
    'deployment eu: address must be host:port',
    'deployment us: tls.cert and tls.key go together; one is missing',
    expect.stringMatching(/^deployment us: tls\.ca \/nowhere\/ca\.pem: ENOENT/),
    expect.stringMatching(/^deployment asia: tls\.ca .*README\.md: /),
  ]);
});

test('a key that is not the key of its certificate is refused', () => {
  expect(problemsOf(withTls({ cert: certificate('client.pem'), key: certificate('server.key') }))).toEqual([
    expect.stringMatching(/^deployment eu: tls\.key .*server\.key is not the key of tls\.cert .*client\.pem$/),
  ]);
  expect(problemsOf(withTls({ cert: certificate('client.pem'), key: certificate('client.key') }))).toEqual([]);
});

/** The tests with this engine run side by side, because most of their time is waiting for what must not happen. */
async function connectWith(tls: TlsConfiguration | undefined, context: Pick<TestContext, 'onTestFinished'>) {
  const pair = {
    private_key: readFileSync(certificate('server.key')),
    cert_chain: readFileSync(certificate('server.pem')),
  };
  const plane = await startScriptedEngine({
    targets: ['orders_eu'],
    credentials: ServerCredentials.createSsl(readFileSync(certificate('ca.pem')), [pair], true),
  });
  const configuration = { address: plane.address, ...(tls === undefined ? {} : { tls }) };
  const engines = createEngines({ eu: configuration }, { connectTimeoutMs: 500 });
  context.onTestFinished(async () => {
    engines.close();
    await plane.stop();
  });
  return { plane, engine: engines.engineFor('eu') };
}

const MUTUAL = {
  ca: certificate('ca.pem'),
  cert: certificate('client.pem'),
  key: certificate('client.key'),
  serverName: 'engine.test',
};

test('mutual TLS with a server name of its own connects', async (context) => {
  const { engine } = await connectWith(MUTUAL, context);
  expect((await engine.planDiff(PLAN_REQUEST)).changes).toHaveLength(1);
});

test.concurrent.for([
  ['plain text', undefined],
  ['no client certificate', { ca: MUTUAL.ca, serverName: 'engine.test' }],
  ['an authority that did not sign the engine', { ...MUTUAL, ca: certificate('other-ca.pem') }],
  ['another name than the certificate has', { ...MUTUAL, serverName: 'elsewhere.test' }],
] as const)('%s does not reach an engine that asks for mutual TLS', async ([, tls], context) => {
  const { plane, engine } = await connectWith(tls, context);
  await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({ type: 'Unreachable' });
  expect(plane.ledger.entries).toEqual([]);
});

test.concurrent('certificates that are exchanged while the worker runs are used as soon as a connection needs them', async (context) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'skein-tls-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const ca = path.join(folder, 'ca.pem');
  copyFileSync(certificate('other-ca.pem'), ca);
  const { engine } = await connectWith({ ...MUTUAL, ca }, context);
  await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({ type: 'Unreachable' });
  writeFileSync(ca, 'not yet complete');
  await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({ type: 'Unreachable' });
  copyFileSync(certificate('ca.pem'), ca);
  await engine.ready({ timeoutMs: 10_000 });
  expect((await engine.planDiff(PLAN_REQUEST)).changes).toHaveLength(1);
});

test('a dead engine slows nobody else (C46)', async () => {
  const [dead, alive] = await Promise.all([
    startScriptedEngine({ targets: ['orders_eu'] }),
    startScriptedEngine({ targets: ['orders_eu'] }),
  ]);
  const engines = createEngines({ dead: { address: dead.address }, alive: { address: alive.address } });
  onTestFinished(async () => {
    engines.close();
    await Promise.all([dead.stop(), alive.stop()]);
  });
  await engines.engineFor('alive').ready({ timeoutMs: 5_000 });
  await dead.pause();
  const abort = new AbortController();
  const stuck = Promise.all(
    Array.from({ length: 8 }, () =>
      expect(engines.engineFor('dead').ready({ timeoutMs: 60_000, signal: abort.signal })).rejects.toMatchObject({
        type: 'Unreachable',
      }),
    ),
  );
  for (let call = 0; call < 50; call += 1) await engines.engineFor('alive').planDiff(PLAN_REQUEST);
  expect(alive.ledger.calls({ rpc: 'PlanDiff' })).toHaveLength(50);
  abort.abort();
  await stuck;
});
