import { describe, expect, it } from 'vitest';
import { WorkerConfigInvalid, parseWorkerConfig } from '../../worker/config.js';

const DEPLOYMENTS = 'deployments: { eu: { address: "127.0.0.1:9101" } }\n';

function problemsOf(text: string): readonly string[] {
  try {
    parseWorkerConfig(text, 'skein.yaml');
    return [];
  } catch (error) {
    if (error instanceof WorkerConfigInvalid) return error.problems;
    throw error;
  }
}

describe('the configuration of a worker', () => {
  it('needs no more than where the engines are', () => {
    expect(parseWorkerConfig(DEPLOYMENTS, 'skein.yaml')).toEqual({
      deployments: { eu: { address: '127.0.0.1:9101' } },
      deadlinesMs: {},
      queues: ['skein'],
      workflows: true,
    });
  });

  it('may set the deadlines of calls to its engines, per class of call', () => {
    const { deadlinesMs } = parseWorkerConfig(`${DEPLOYMENTS}deadlines: { plan: 10m, read: 2s }`, 'skein.yaml');
    expect(deadlinesMs).toEqual({ plan: 600_000, read: 2_000 });
  });

  it('is refused with every problem at once', () => {
    const problems = problemsOf(
      'deployments: { "e!": { address: "x:1" }, eu: { address: "" } }\ndeadlines: { plan: soon, apply: 2h, swim: 1s }\n',
    );
    expect(problems).toEqual([
      'deployments.e!: must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-"',
      'deployments.eu.address: must be host:port',
      'deadlines.plan: must be from 100ms to 1h, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d"',
      'deadlines.apply: must be from 100ms to 1h, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d"',
      'deadlines: Unrecognized key: "swim"',
    ]);
  });
});
