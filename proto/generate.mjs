/**
 * Generates proto/gen from the .proto files: `npm run generate`. Needs no network; buf and the plugin are installed with
 * the other dependencies. Another folder to put `gen` into can be given as the only argument.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const protoFolder = path.dirname(fileURLToPath(import.meta.url));
const buf = path.join(protoFolder, '..', 'node_modules', '@bufbuild', 'buf', 'bin', 'buf');
const outputFolder = path.resolve(process.argv[2] ?? protoFolder);

execFileSync(process.execPath, [buf, 'generate', '--output', outputFolder], { cwd: protoFolder, stdio: 'inherit' });
