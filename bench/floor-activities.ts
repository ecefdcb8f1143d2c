export interface FloorActivities {
  doNothing(): Promise<void>;
}

export const floorActivities: FloorActivities = {
  doNothing: () => Promise.resolve(),
};
