/** The client in a Web Worker, so that scans and signatures never block the page. */
import { expose } from 'comlink'
import { createClient } from './client.ts'

expose(createClient())
