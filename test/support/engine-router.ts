import { Context } from '@temporalio/activity';
import { EngineFailure, type Engines } from '../../tern/engine.js';

/**
 * The engines of many scenes for one worker. Each operation finds the engines of its own scene, because its workflow id
 * names the database and every scene has a database of its own.
 */
export class EngineRouter implements Engines {
  readonly #scenes = new Map<string, Engines>();

  add(database: string, engines: Engines): void {
    this.#scenes.set(database, engines);
  }

  remove(database: string): void {
    this.#scenes.delete(database);
  }

  engineFor(deployment: string): ReturnType<Engines['engineFor']> {
    return this.#sceneOf(deployment).engineFor(deployment);
  }

  addressDigest(deployment: string): string {
    return this.#sceneOf(deployment).addressDigest(deployment);
  }

  #sceneOf(deployment: string): Engines {
    const [, database = ''] = (Context.current().info.workflowExecution?.workflowId ?? '').split('/');
    const engines = this.#scenes.get(database);
    if (engines !== undefined) return engines;
    throw new EngineFailure({ type: 'UnknownDeployment', message: `deployment ${deployment}: its scene has ended` });
  }
}
