import { createLogUpdate } from 'log-update';
import type { ApplyStatus } from '../../domain/status.js';
import { needsPerson } from '../why.js';
import type { CommandContext } from './cli.js';
import { type ExitCode, exitCodeOfStatus } from './exit-code.js';
import { formatClock } from './format.js';
import { renderChanges } from './render-changes.js';
import { renderStatus } from './render-status.js';
import { waveLines } from './render-waves.js';
import type { Terminal } from './terminal.js';

export interface FollowOptions {
  /** Goes on although a human is waited for. With a person at the terminal that is always so. Default false. */
  readonly wait: boolean;
  /** `final`: one object at the end. `each`: one object per change. Only for JSON. */
  readonly json: 'final' | 'each';
}

/** The clock of a live table runs on between two looks. */
const REDRAW_MS = 500;

/**
 * Follows an apply to its end and shows it: a live table where the cursor can be moved, a line per change elsewhere,
 * objects for scripts. Ctrl-C detaches and says so; it never stops a rollout (design 8).
 */
export async function followApply(context: CommandContext, apply: string, options: FollowOptions): Promise<ExitCode> {
  const { client, terminal, json } = context;
  const abort = new AbortController();
  const detach = () => abort.abort();
  process.once('SIGINT', detach);
  const view = json ? jsonView(context, options.json) : terminal.interactive ? liveView(context) : plainView(context);
  let last: ApplyStatus | null = null;
  const link = context.link(apply);
  if (link !== null && !json) context.note(link);
  try {
    for await (const status of client.watch(apply, { signal: abort.signal })) {
      last = status;
      view.show(status);
      if (needsPerson(status) && !options.wait && !terminal.interactive) break;
    }
  } finally {
    process.removeListener('SIGINT', detach);
    view.end(last);
  }
  if (abort.signal.aborted) {
    context.note(
      `detached; the rollout goes on. Follow it again with \`${terminal.program} watch ${apply}\`, stop it with \`${terminal.program} stop ${apply}\``,
    );
    return 0;
  }
  return last === null ? 0 : exitCodeOfStatus(last);
}

interface FollowView {
  readonly show: (status: ApplyStatus) => void;
  /** Leaves what stays on the screen. */
  readonly end: (last: ApplyStatus | null) => void;
}

/** Lines of a live view that are not deployments: header, message, wait with its commands, table head. */
const OTHER_ROWS = 10;

function liveView({ terminal }: CommandContext): FollowView {
  const update = createLogUpdate(terminal.stdout as NodeJS.WriteStream); // a view for terminals only
  let latest: ApplyStatus | null = null;
  const draw = () => {
    if (latest !== null) update(renderFor(terminal, latest, terminal.size().rows - OTHER_ROWS - waveLines(latest)));
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    show: (status) => {
      latest = status;
      draw();
    },
    end: (last) => {
      clearInterval(timer);
      update.clear();
      update.done();
      if (last !== null) terminal.stdout.write(`${renderFor(terminal, last, null)}\n`);
    },
  };
}

function plainView({ print, terminal }: CommandContext): FollowView {
  let previous: ApplyStatus | null = null;
  return {
    show: (status) => {
      for (const line of renderChanges(previous, status)) print(`${formatClock(terminal.now())}  ${line}`);
      previous = status;
    },
    end: (last) => {
      if (last !== null) print(`\n${renderFor(terminal, last, null)}`);
    },
  };
}

function renderFor(terminal: Terminal, status: ApplyStatus, rowsMax: number | null): string {
  const { style, program } = terminal;
  return renderStatus(status, { style, program, now: terminal.now(), columns: terminal.size().columns, rowsMax });
}

function jsonView({ print }: CommandContext, which: FollowOptions['json']): FollowView {
  return {
    show: (status) => {
      if (which === 'each') print(JSON.stringify(status));
    },
    end: (last) => {
      if (which === 'final' && last !== null) print(JSON.stringify(last));
    },
  };
}
