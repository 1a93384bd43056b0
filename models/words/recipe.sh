#!/usr/bin/env bash
# Makes model.tflite and its card anew: models/words/recipe.sh CORPUS ROOM WORK_DIR
# CORPUS is Speech Commands; ROOM holds noise/*.wav and speech/*.wav (models/room.py).
set -euo pipefail
name=words corpus=$(realpath "$1") room=$2 work=$3
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../tune_in_a_room.sh"
export TF_NUM_INTRAOP_THREADS=1 # sums in one order: equal seeds, equal weights

train() { # FOLDER [FLAGS…]
  stapes train --data_dir "$work/room/train" --train_dir "$work/$1" \
    --preprocess pcen --pcen_floor 0.001 --upper_edge_hertz 7600 \
    --silence_percentage 30 --unknown_percentage 100 --speech_percentage 60 --balance 1 \
    --end_frames 11 --warmup_steps 200 \
    --learning_rate_decay cosine --time_shift_ms 200 --time_mask_frames 2 \
    --frequency_mask_channels 2 --gain_db 20 --reverb_ms 300 \
    --model_architecture residual_svdf --svdf_units 96,96,96,96,96,96,96 \
    --svdf_memory 3,8,8,8,8,8,12 --bottleneck_units 56 --dropout 0 \
    --eval_step_interval 2500 "${@:2}"
}

mkdir -p "$work"
[[ -d "$work/room" ]] || "$here/../room.py" "$corpus" "$room" "$work/room"
train first --how_many_training_steps 25000 --learning_rate 0.01 --noise_snr_db -5,25 \
  --chatter_snr_db 3,30 --equalizer_db 6
stapes export --train_dir "$work/first" --output_file "$work/first.tflite"

# What it takes for words in the speech and noise that it was trained with. Read speech truly holds
# no, on, go, up and right: those are struck.
stapes data mine "$work/first.tflite" --output_dir "$work/hard" \
  --audio "$work/room/train/_speech_" "$work/room/train_events.wav" "$work/room/train_noise.wav"
sed -i -E '/\t(no|on|go|up|right) /d' "$work/hard/list.txt"
train second --start_checkpoint "$work/first/checkpoint.npz" --hard_dir "$work/hard" \
  --how_many_training_steps 25000,11000 --learning_rate 0.01,0.004 --lead_ms 600 \
  --noise_snr_db -3,27 --chatter_snr_db 12,35
stapes export --train_dir "$work/second" --output_file "$work/$name.tflite"
make_streams
tune_and_measure 2 4 8 2
