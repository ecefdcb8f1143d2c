import { describe, expect, it } from 'vitest';
import { unsupportedRequest } from '../../engine/calls/supported.js';
import { ApplyRequest } from '../../proto/gen/tern.js';

function refusal(request: Partial<ApplyRequest>): string | null {
  return unsupportedRequest(ApplyRequest.fromPartial(request));
}

describe('an Apply that asks for what this engine does not do', () => {
  it.each([
    [{ options: { defer_cutover: 'yes' } }, 'option defer_cutover=yes: it is "true" or "false"'],
    [{ options: { defer_deploy: 'true' } }, 'option defer_deploy=true'],
    [{ options: { branch: 'main' } }, 'option branch=main'],
    [{ options: { rollback: 'true' } }, 'option rollback=true'],
    [{ options: { member_target: 'a' } }, 'option member_target=a'],
    [{ options: { turbo: 'false' } }, 'option turbo is not known to this engine'],
    [{ targetShards: ['-80'] }, 'target_shards'],
    [{ generationOperationKeys: ['orders/-80/t'] }, 'dispatch generation manifest ["orders/-80/t"]'],
    [
      { directExecution: { enabled: true, maxTableRows: '1', lockAcquisitionTimeoutSeconds: '1', maxTableBytes: '0' } },
      'direct_execution',
    ],
  ])('is refused with the reason: %j', (request, reason) => {
    expect(refusal(request)).toContain(reason);
  });
  it.each([
    {},
    { options: { allow_unsafe: 'true', skip_revert: 'true', caller: 'a', environment: 'b', target: 'c' } },
    { options: { defer_cutover: 'false', branch: '' } },
    { options: { defer_cutover: 'true' } },
    { generationOperationKeys: [''] },
    { directExecution: { enabled: false, maxTableRows: '0', lockAcquisitionTimeoutSeconds: '0', maxTableBytes: '0' } },
  ])('and one that does not is not: %j', (request) => {
    expect(refusal(request)).toBeNull();
  });
});
