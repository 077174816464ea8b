/** The peer: `@openmined/psi.js`, what a TypeScript user would pick. Both sides in this process, one thread. */
import PSI from '@openmined/psi.js'

export interface PeerRun {
  readonly items: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly bytes: number
  readonly intersection: number
}

/** Intersection of two sets through psi.js with a GCS at 1e-6, as its README recommends. */
export const openminedPsi = async (receiver: readonly string[], sender: readonly string[]): Promise<PeerRun> => {
  const psi = await (PSI as unknown as () => Promise<any>)()
  const since = performance.now()
  const cpu = process.cpuUsage()
  const server = psi.server.createWithNewKey(true)
  const client = psi.client.createWithNewKey(true)
  const setup = server.createSetupMessage(1e-6, receiver.length, sender, psi.dataStructure.GCS)
  const request = client.createRequest(receiver)
  const response = server.processRequest(request)
  const intersection = client.getIntersection(setup, response).length as number
  const used = process.cpuUsage(cpu)
  return {
    items: receiver.length,
    seconds: (performance.now() - since) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    bytes: [setup, request, response].reduce((sum, m) => sum + (m.serializeBinary() as Uint8Array).length, 0),
    intersection,
  }
}
