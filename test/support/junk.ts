import type { RawPayload } from './activation.js';

/** What a person can type into the dialog of the Temporal UI, or a tool can send: none of it is a message of ours. */
export const JUNK: Readonly<Record<string, unknown>> = {
  null: null,
  'a number': 5,
  'a huge number': 1e308,
  'a boolean': true,
  'an empty text': '',
  'a text': 'now',
  'a huge text': 'x'.repeat(30_000),
  'half a character': '\ud800',
  'an empty list': [],
  'a list of nothing': [null],
  'a list of lists': [[[['eu']]]],
  'an empty object': {},
  'an object of ours with nothing in it': { deployment: null, attempt: null, state: null, refused: null },
  'an object with another in each field': {
    by: { a: 1 },
    reason: { a: 1 },
    all: { a: 1 },
    unconfirmed: [true],
    refused: { control: {}, message: [] },
  },
  'a list in each field': { by: [], reason: [], state: ['running'], deployment: ['eu'] },
  'a number in each field': { by: 1, reason: 2, state: 3, deployment: 4, attempt: -1, remoteApplyId: 6, refused: 7 },
  'the prototype of everything': JSON.parse('{"__proto__": {"reason": "x", "by": null, "deployment": "eu"}}'),
  'names of what every object has': { deployment: 'constructor', state: 'toString', reason: '', by: '__proto__' },
  'very deep': JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`),
  'half a report': { deployment: 'eu', attempt: 0 },
  'a report of an unknown state': { deployment: 'eu', attempt: 0, state: 'done', remoteApplyId: 'r', refused: null },
  'a report of no state': { deployment: 'eu', attempt: 0, state: null, remoteApplyId: 'r', refused: null },
  'a report that the change is done': {
    deployment: 'eu',
    attempt: 0,
    state: 'completed',
    remoteApplyId: 'r',
    refused: null,
  },
  'a report that nothing has begun': {
    deployment: 'eu',
    attempt: 0,
    state: 'pending',
    remoteApplyId: null,
    refused: null,
  },
  'a report of half an attempt': {
    deployment: 'eu',
    attempt: 0.5,
    state: 'running',
    remoteApplyId: 'r',
    refused: null,
  },
  'a report of an attempt in words': {
    deployment: 'eu',
    attempt: '0',
    state: 'waiting_for_cutover',
    remoteApplyId: 'r',
    refused: null,
  },
  'a report without a word on refusals': {
    deployment: 'eu',
    attempt: 0,
    state: 'waiting_for_cutover',
    remoteApplyId: 'r',
  },
  'a report of an unknown refusal': {
    deployment: 'eu',
    attempt: 0,
    state: 'waiting_for_cutover',
    remoteApplyId: 'r',
    refused: { control: 'stop', message: 'no' },
  },
  'a report with a number as the id': {
    deployment: 'eu',
    attempt: 0,
    state: 'waiting_for_cutover',
    remoteApplyId: 7,
    refused: null,
  },
  'a reason of spaces': { by: null, reason: '   ' },
  'a reason and nobody': { reason: 'lost' },
};

const bytes = (text: string) => new TextEncoder().encode(text);

/** Payloads that the data converter cannot read: it throws before any handler is asked. */
export const UNDECODABLE: Readonly<Record<string, RawPayload>> = {
  'an encoding that nobody knows': { metadata: { encoding: bytes('json/protobuf') }, data: bytes('{}') },
  'no encoding': { metadata: {}, data: bytes('{}') },
  'nothing but bytes': { data: bytes('{}') },
  'half of an object': { metadata: { encoding: bytes('json/plain') }, data: bytes('{"reason":') },
  'bytes that are no text': { metadata: { encoding: bytes('json/plain') }, data: new Uint8Array([0xff, 0xfe, 0]) },
  'no data': { metadata: { encoding: bytes('json/plain') } },
  'an encrypted text': { metadata: { encoding: bytes('binary/encrypted') }, data: bytes('secret') },
};
