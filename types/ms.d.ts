// Without this the SDK's `Duration` collapses to `any`, because `ms` exposes no types under nodenext.
declare module 'ms' {
  export type StringValue =
    | `${number}`
    | `${number}${' ' | ''}${'ms' | 's' | 'm' | 'h' | 'd' | 'seconds' | 'minutes' | 'hours' | 'days'}`;
  export default function ms(value: StringValue): number;
}
