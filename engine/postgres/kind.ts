import { Engine } from '../../proto/gen/tern.js';
import type { DatabaseKind } from '../target.js';

export const POSTGRES: DatabaseKind = {
  name: 'postgres',
  types: new Set(['postgres', 'postgresql']),
  onWire: Engine.ENGINE_POSTGRES,
};
