import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { dataFolder } from '../../../deploy/services/folder.ts';
import { type Programs, programs } from '../../../deploy/services/packages.ts';
import { pythonPackages } from '../../../deploy/services/python.ts';

const run = promisify(execFile);

/** Two units whose registers are three times their address and the unit; every third coil is on, every fifth discrete input. */
const server = `
import asyncio, sys
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

def device(unit):
    numbers = [address * 3 + unit for address in range(200)]
    return ModbusDeviceContext(
        co=ModbusSequentialDataBlock(1, [address % 3 == 0 for address in range(200)]),
        di=ModbusSequentialDataBlock(1, [address % 5 == 0 for address in range(200)]),
        hr=ModbusSequentialDataBlock(1, numbers), ir=ModbusSequentialDataBlock(1, numbers))

async def main(kind, where):
    context = ModbusServerContext(devices={1: device(1), 2: device(2)}, single=False)
    if kind == 'serial':
        server = ModbusSerialServer(
            context, framer=FramerType.RTU, port=where, baudrate=19200, parity='N', stopbits=1)
    else:
        framer = FramerType.RTU if kind == 'rtu' else FramerType.SOCKET
        server = ModbusTcpServer(context, framer=framer, address=('127.0.0.1', int(where)))
    await server.serve_forever(background=True)
    print('listening', flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.shutdown()

asyncio.run(main(*sys.argv[1:]))
`;

/** What the client of pymodbus reads from, and writes to, a unit at a port. */
const client = `
import json, sys
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerType
kind, port, unit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = ModbusTcpClient(
    '127.0.0.1', port=port, framer=FramerType.RTU if kind == 'rtu' else FramerType.SOCKET, retries=0, timeout=3)
assert client.connect()
said = {
    'holding': client.read_holding_registers(10, count=4, device_id=unit).registers,
    'input': client.read_input_registers(0, count=125, device_id=unit).registers[-1],
    'coils': client.read_coils(0, count=10, device_id=unit).bits[:10],
    'wrote': not client.write_register(10, 4711, device_id=unit).isError(),
    'wroteSeveral': not client.write_registers(20, [1, 2, 3], device_id=unit).isError(),
    'wroteCoil': not client.write_coil(1, True, device_id=unit).isError(),
    'again': client.read_holding_registers(10, count=1, device_id=unit).registers,
}
client.close()
json.dump(said, sys.stdout)
`;

/** Implementations of Modbus that we did not write: pymodbus, and mbpoll, which is libmodbus. */
export interface Peers {
  /** `tcp` and `rtu` at a port of this machine, `serial` at a path. */
  serve(kind: 'tcp' | 'rtu' | 'serial', where: number | string): Promise<AsyncDisposable>;
  ask(kind: 'tcp' | 'rtu', port: number, unit: number): Promise<unknown>;
  /** Runs mbpoll, once; what it prints. */
  mbpoll(...args: readonly string[]): Promise<string>;
}

/** The peers, or why there are none, which is told loudly; with CI=true it throws. */
export async function modbusPeers(): Promise<{ readonly missing?: string; readonly peers?: Peers }> {
  try {
    const path = await pythonPackages(dataFolder, ['pymodbus==3.11.3', 'pyserial==3.5']);
    return { peers: made(path, await programs(dataFolder, ['mbpoll'], ['mbpoll'])) };
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown;
    const missing = (thrown as Error).message;
    process.stderr.write(`SKIPPED: Modbus is not tested with pymodbus and mbpoll (${missing})\n`);
    return { missing };
  }
}

function made(pythonPath: string, { path, env: libraries }: Programs): Peers {
  const env = { ...process.env, PYTHONPATH: pythonPath };
  return {
    serve: async (kind, where) => {
      const child = spawn('python3', ['-c', server, kind, String(where)], { env, stdio: ['pipe', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      return { [Symbol.asyncDispose]: () => ended(child) };
    },
    ask: async (kind, port, unit) => {
      const { stdout } = await run('python3', ['-c', client, kind, String(port), String(unit)], { env });
      return JSON.parse(stdout);
    },
    mbpoll: async (...args) => {
      const { stdout } = await run(path('mbpoll'), args, { env: { ...process.env, ...libraries }, timeout: 10_000 });
      return stdout;
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.stdin!.end();
  const killed = setTimeout(() => child.kill('SIGKILL'), 2_000);
  await exit;
  clearTimeout(killed);
}
