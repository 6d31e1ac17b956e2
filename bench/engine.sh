#!/usr/bin/env bash
# Measures the engine into bench/engine*.csv and bench/vq.csv, a second or so a row: bench/engine.sh [MODEL] (default:
# the built-in one).
# On a machine with other work, run it under a raised priority; the fraction of the limit is what counts. Rows with one
# thread are timed by the thread's own time and so bear company best. LARGE=1 adds the shape of Janus-Pro-1B.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:-model/weights}
madang=build/madang
seconds=0.4

measure() { "$madang" bench engine --seconds "$seconds" --csv "$@"; }
{
  measure --header --shape builtin --batch 1
  for batch in 2 8; do measure --shape builtin --batch $batch; done
  for quant in int8 int4 bf16; do for batch in 1 2 8; do measure --shape m30 --quant $quant --batch $batch; done; done
  measure --shape m30 --context 512
  for kernels in avx2 avx512; do measure --shape m30 --kernels $kernels; done
  for quant in int8 int4; do measure --shape m30 --quant $quant --threads 1; done
  for quant in int8 int4; do for batch in 2 8; do measure --shape m350 --quant $quant --batch $batch; done; done
  for quant in int8 int4; do measure --shape m350 --quant $quant --threads 1; done
  for batch in 2 8; do measure --shape m350 --quant bf16 --batch $batch; done
  if [ -n "${LARGE:-}" ]; then
    for quant in int8 int4; do for batch in 2 8; do measure --shape janus1b --quant $quant --batch $batch; done; done
    measure --shape janus1b --quant bf16
    for quant in int8 int4; do measure --shape janus1b --quant $quant --threads 1; done
  fi
} > bench/engine.csv
{
  "$madang" bench picture --model "$model" --csv --header --seconds "$seconds"
  "$madang" bench picture --model "$model" --csv --seconds "$seconds" --threads 1
} > bench/engine_picture.csv
bench/engine_torch.py --model "$model" --csv > bench/engine_torch.csv
{
  build/bench/bench_vq 0 2
  build/bench/bench_vq 1 3 | sed 1d
} > bench/vq.csv
