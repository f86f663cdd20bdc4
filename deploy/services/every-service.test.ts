import { connect as connectAmqp } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { service } from '../../core/testing/services.ts';
import { answerTo } from './probe.ts';

const file = import.meta.filename;
const [postgres, pgbouncer, redis, mosquitto, rabbitmq, kafka] = await Promise.all([
  service('postgres', file),
  service('pgbouncer', file),
  service('redis', file),
  service('mosquitto', file),
  service('rabbitmq', file),
  service('kafka', file),
]);

describe.skipIf(postgres.missing)('PostgreSQL', () => {
  it('commits to the disk', async () => {
    const client = new pg.Client(postgres.address);
    await client.connect();
    const { rows } = await client.query("SELECT current_setting('fsync') AS fsync, current_user AS name");
    await client.end();
    expect(rows).toEqual([{ fsync: 'on', name: 'weir' }]);
  });
});

describe.skipIf(pgbouncer.missing)('PgBouncer', () => {
  it('pools by transaction', async () => {
    const client = new pg.Client(pgbouncer.address.replace(/\/postgres$/, '/pgbouncer'));
    await client.connect();
    const { rows } = await client.query<{ readonly key: string; readonly value: string }>('SHOW CONFIG');
    await client.end();
    expect(rows.find((row) => row.key === 'pool_mode')?.value).toBe('transaction');
  });

  it('is in front of PostgreSQL', async () => {
    const client = new pg.Client(pgbouncer.address);
    await client.connect();
    const { rows } = await client.query('SELECT current_setting($1) AS port', ['server_version_num']);
    await client.end();
    expect(Number(rows[0]?.port)).toBeGreaterThanOrEqual(150_000);
  });
});

describe.skipIf(redis.missing)('Redis', () => {
  it('answers who gives the password', async () => {
    const client = new Redis(redis.address);
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });
});

describe.skipIf(rabbitmq.missing)('RabbitMQ', () => {
  it('confirms a message', async () => {
    const connection = await connectAmqp(rabbitmq.address);
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    channel.sendToQueue(queue, Buffer.from('1'));
    await expect(channel.waitForConfirms()).resolves.not.toThrow();
    await connection.close();
  });

  it('has a management API', async () => {
    const { origin, username, password } = new URL(rabbitmq.management ?? '');
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const answer = await fetch(new URL('/api/vhosts', origin), { headers: { authorization } });
    expect(await answer.json()).toMatchObject([{ name: '/' }]);
  });
});

describe.skipIf(mosquitto.missing)('Mosquitto', () => {
  /** The return code of CONNACK (MQTT 3.1.1 §3.2.2.3). */
  async function connack(password: string): Promise<number | undefined> {
    const { port, username } = new URL(mosquitto.address);
    const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
    const protocol = Buffer.concat([text('MQTT'), Buffer.from([4, 0xc2, 0, 60])]);
    const body = Buffer.concat([protocol, text('weir-test'), text(username), text(password)]);
    return (await answerTo(Number(port), Buffer.concat([Buffer.from([0x10, body.length]), body])))[3];
  }

  it('takes who gives the password, and nobody else', async () => {
    expect(await connack(new URL(mosquitto.address).password)).toBe(0);
    expect(await connack('wrong')).toBe(5);
  });
});

describe.skipIf(kafka.missing)('Kafka', () => {
  it('answers at each of its addresses', async () => {
    for (const broker of kafka.address.split(',')) {
      // ApiVersions, version 0: the answer begins with its length, the number of the request and no error.
      const request = Buffer.from('0000000e0012000000000007000477656972', 'hex');
      const answer = await answerTo(Number(broker.split(':')[1]), request);
      expect([answer.readInt32BE(4), answer.readInt16BE(8)]).toEqual([7, 0]);
    }
  });
});
