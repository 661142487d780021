/** `<sub-topology>_<partition>`, as in Kafka Streams. */
export function taskIdOf(subTopologyId: number, partition: number): string {
  return `${subTopologyId}_${partition}`
}

export function parseTaskId(taskId: string): { readonly subTopologyId: number; readonly partition: number } {
  const [subTopologyId, partition] = taskId.split('_').map(Number)
  return { subTopologyId: subTopologyId as number, partition: partition as number }
}
