import { startPostgres } from '../../dev/postgres.js';
import { engineConformance } from './conformance.js';
import { postgresSurroundings } from './postgres-subject.js';
import { startEngineProcess } from './engine-process.js';

engineConformance({
  name: 'the bundled engine on PostgreSQL',
  start: async () => {
    const postgres = await startPostgres();
    const surroundings = await postgresSurroundings(postgres, 'orders_eu');
    const targets = { orders_eu: surroundings.dsn };
    let engine = await startEngineProcess(targets);
    return {
      ...surroundings,
      address: engine.address,
      target: 'orders_eu',
      restart: async () => {
        await engine.kill();
        engine = await startEngineProcess(targets);
        return engine.address;
      },
      close: async () => {
        await engine.kill();
        await surroundings.end();
        await postgres.stop();
      },
    };
  },
});
