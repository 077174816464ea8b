/** A shared worker where two tabs of one origin meet: each gets one end of a new channel. */
let waiting: MessagePort | undefined

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!
  port.addEventListener('message', () => {
    if (waiting === port) waiting = undefined
  })
  port.start()
  if (waiting === undefined) {
    waiting = port
    return
  }
  const { port1, port2 } = new MessageChannel()
  waiting.postMessage(port1, [port1])
  port.postMessage(port2, [port2])
  waiting = undefined
})
