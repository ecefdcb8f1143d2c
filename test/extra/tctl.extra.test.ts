import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { obtainTctl } from '../../dev/tctl.js';
import { openTheatre, operation, summary } from '../stack/theatre.js';

const tctl = await obtainTctl((line) => process.stderr.write(`${line}\n`));
const theatre = await openTheatre();

describe('tctl', () => {
  it('stops an apply on real databases by a signal without any input', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply();
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    const { temporal } = theatre.stack;
    const place = ['--address', temporal.address, '--namespace', temporal.namespace];
    await promisify(execFile)(tctl, [...place, 'workflow', 'signal', '--workflow_id', apply, '--name', 'stop']);
    const status = await theatre.ended(apply);
    await letGo();
    expect(summary(status)).toBe('a=stopped b=stopped c=stopped');
    expect(operation(status, 'a').started).toBe(true);
    expect(operation(status, 'b').started).toBe(false);
    expect(await theatre.records('b')).toEqual([]);
    const { events } = await theatre.temporal.workflow.getHandle(apply).fetchHistory();
    const signals = (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes ?? []);
    expect(signals).toHaveLength(1);
    expect(signals[0]?.signalName).toBe('stop');
    expect(signals[0]?.input ?? null).toBeNull();
  });
});
