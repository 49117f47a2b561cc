import type { Request, Response } from 'express';
import type { Context } from '../context.ts';

/** `GET /v1/sys/health`: 200 active, 429 standby, 503 sealed; without a token. */
export function health(ctx: Context): (req: Request, res: Response) => void {
  return (_req, res) => {
    const { sealed } = ctx.state;
    const standby = ctx.config.standbyOf !== undefined;
    const status = sealed ? 503 : standby ? 429 : 200;
    res.status(status).json({
      initialized: true,
      sealed,
      standby,
      performance_standby: false,
      replication_performance_mode: 'disabled',
      replication_dr_mode: 'disabled',
      server_time_utc: Math.floor(ctx.clock.nowMs() / 1000),
      version: '1.17.0',
      cluster_name: 'simulator',
      cluster_id: '00000000-0000-0000-0000-000000000000',
    });
  };
}
