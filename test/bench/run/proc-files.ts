import { readdirSync, readFileSync } from 'node:fs'

/** Linux's USER_HZ, and page size where Node runs. */
const TICKS_A_SECOND = 100
const PAGE_BYTES = 4096

interface ProcessStat {
  readonly session: number
  readonly cpuSeconds: number
  /** Of its children that have ended and were waited for. */
  readonly endedChildrenCpuSeconds: number
  readonly rssBytes: number
}

export interface SessionUse {
  readonly rssBytes: number
  /** Without mapped files, which the kernel takes back when it needs the room. */
  readonly ownBytes: number
  readonly cpuSeconds: number
}

/** What Linux tells of a process; undefined when it has gone. */
export function processStat(pid: number | 'self'): ProcessStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // After the command's name, which may hold anything; then the state, as number 0.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (index: number): number => Number(fields[index])
  return {
    session: field(3),
    cpuSeconds: (field(11) + field(12)) / TICKS_A_SECOND,
    endedChildrenCpuSeconds: (field(13) + field(14)) / TICKS_A_SECOND,
    rssBytes: field(21) * PAGE_BYTES
  }
}

/** Resident memory and CPU time of all processes of a session. */
export function sessionUse(session: number): SessionUse {
  let [rssBytes, ownBytes, cpuSeconds] = [0, 0, 0]
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = processStat(pid)
    if (stat?.session !== session) continue
    rssBytes += stat.rssBytes
    ownBytes += ownBytesOf(pid)
    cpuSeconds += stat.cpuSeconds
  }
  return { rssBytes, ownBytes, cpuSeconds }
}

function ownBytesOf(pid: number): number {
  try {
    const [, resident, mapped] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number)
    return ((resident as number) - (mapped as number)) * PAGE_BYTES
  } catch {
    // It has gone meanwhile.
    return 0
  }
}

/** CPU seconds that the whole machine has been busy. */
export function machineBusySeconds(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] as string
  const [user, nice, system, , , irq, softirq, steal] = line.split(/ +/).slice(1).map(Number) as [
    ...[number, number, number, number],
    ...[number, number, number, number]
  ]
  return (user + nice + system + irq + softirq + steal) / TICKS_A_SECOND
}
