#!/usr/bin/env bash
# The command line on a device: train, eval, export, predict, bench; several processes where there are several GPUs.
# Run by first_run.sh, which sets ROOT, PY, WORK and DEVICE.
set -x
cd "$ROOT" || exit 2
SG="$PY -m specgraph"
TINY="--data digits --epochs 2 --no-report"
time $SG train specs/lenet.json $TINY --device "$DEVICE" --out "$WORK/cli" && echo "RESULT train ok"
time $SG eval "$WORK/cli" --device "$DEVICE" && echo "RESULT eval ok"
time $SG export "$WORK/cli" --onnx "$WORK/cli.onnx" && echo "RESULT export ok"
"$PY" - <<'P'
import os

import numpy as np
from PIL import Image

folder = os.environ["WORK"] + "/pictures"
os.makedirs(folder, exist_ok=True)
for number in range(70):
    pixels = np.random.default_rng(number).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(f"{folder}/{number}.png")
P
time $SG predict "$WORK/cli" "$WORK/pictures" --device "$DEVICE" > "$WORK/predicted" && echo "RESULT predict ok"
head -3 "$WORK/predicted"
SECONDS_EACH=0.5; [ "$DRY" = 1 ] && SECONDS_EACH=0.05
time $SG bench specs/lenet.json --device "$DEVICE" --seconds $SECONDS_EACH --batch-sizes 1,64 && echo "RESULT bench ok"
N=$(nvidia-smi -L 2> /dev/null | wc -l)
if [ "$N" -gt 1 ]; then
  time "$PY" -m torch.distributed.run --standalone --nproc-per-node "$N" -m specgraph train specs/resnet-cifar.yaml $TINY --out "$WORK/ddp" && echo "RESULT $N processes ok"
  $SG train specs/lenet.json $TINY --device cuda:1 --out "$WORK/second" && echo "RESULT cuda:1 ok"
else echo "RESULT one GPU: several processes and --device cuda:1 not run"; fi
