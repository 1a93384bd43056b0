#!/usr/bin/env bash
# Makes model.tflite and its card anew: models/micro/recipe.sh CORPUS ROOM WORK_DIR
# CORPUS is Speech Commands; ROOM holds noise/*.wav and speech/*.wav (models/room.py).
set -euo pipefail
name=micro corpus=$(realpath "$1") room=$2 work=$3
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../tune_in_a_room.sh"
export TF_NUM_INTRAOP_THREADS=1 # sums in one order: equal seeds, equal weights

train() { # FOLDER [FLAGS…]
  stapes train --data_dir "$work/room/train" --train_dir "$work/$1" --wanted_words yes,no \
    --preprocess pcen --pcen_floor 0.001 --upper_edge_hertz 7600 \
    --silence_percentage 40 --unknown_percentage 250 --speech_percentage 150 \
    --warmup_steps 200 --learning_rate_decay cosine --gain_db 20 --reverb_ms 300 \
    --model_architecture svdf --svdf_units 40,40,40,40 --dropout 0 \
    --eval_step_interval 4000 "${@:2}"
}
ends=(--end_frames 11 --time_shift_ms 200 --time_mask_frames 2 --frequency_mask_channels 2)

mkdir -p "$work"
[[ -d "$work/room" ]] || "$here/../room.py" "$corpus" "$room" "$work/room"
train first "${ends[@]}" --how_many_training_steps 12000 --learning_rate 0.01 \
  --noise_snr_db -3,27 --chatter_snr_db 12,35
train second "${ends[@]}" --start_checkpoint "$work/first/checkpoint.npz" \
  --how_many_training_steps 12000,8000 --learning_rate 0.01,0.004 --lead_ms 600 \
  --noise_snr_db -3,27 --chatter_snr_db 12,35
# The decoder in training: peaks of averages in place of many ends.
train third --start_checkpoint "$work/second/checkpoint.npz" \
  --how_many_training_steps 12000,8000,9000 --learning_rate 0.01,0.004,0.008 --lead_ms 600 \
  --pulse_weight 1 --end_frames 5 --time_shift_ms 100 --noise_snr_db -5,27 --chatter_snr_db 6,35
stapes export --train_dir "$work/third" --output_file "$work/$name.tflite" --prior_correction 0.8
make_streams
# Talk is short here: a higher threshold than it asks for costs two words in a hundred.
tune_and_measure 2 2 6 2 --margin_percent 2
