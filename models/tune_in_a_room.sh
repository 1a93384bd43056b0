# What the recipes of models for a room have in common: `. models/tune_in_a_room.sh`.
# It expects $name, $corpus, $work (with $work/room by models/room.py) and $here, the model's folder.

# stream NAME PART PARTITION DATA_DIR SECONDS [FLAGS…]: $work/PART_NAME.wav and .txt
stream() {
  stapes stream make --data_dir "$4" --partition "$3" --model "$work/$name.tflite" \
    --test_duration_seconds "$5" --seed 1 "${@:6}" \
    --output_audio_file "$work/$2_$1.wav" --output_labels_file "$work/$2_$1.txt"
}

# Words in quiet, as the tutorial mixes them, and words 10 dB above the noise of a room. What is
# tuned with has the speakers of the validation partition and the sounds of the room's part "tune".
make_streams() {
  stream quiet tune validation "$corpus" 10800
  stream quiet test testing "$corpus" 10800
  stream noisy tune validation "$work/room/tune" 7200 --snr_db 10
  stream noisy test testing "$work/room/test" 7200 --snr_db 10
}

# tune_and_measure QUIET NOISY TALK NOISE [FLAGS…]: the limits are false accepts per hour of each
# kind, the flags those of `stapes tune`.
tune_and_measure() {
  local room=$work/room
  stapes tune "$work/$name.tflite" --modes streaming --suppression_ms 1000 \
    --average_window_duration_ms 100,200,300,400,600 \
    --wav "$work/tune_quiet.wav" --labels "$work/tune_quiet.txt" --fa_per_hour "$1" \
    --also "words in noise,$2,$work/tune_noisy.wav,$work/tune_noisy.txt" \
    --also "talk,$3,$room/tune_speech.wav" --also "noise,$4,$room/tune_noise.wav" \
    --also "events,$4,$room/tune_events.wav" \
    --verify_wav "$work/test_quiet.wav" --verify_labels "$work/test_quiet.txt" \
    --verify_also "words in noise,$2,$work/test_noisy.wav,$work/test_noisy.txt" \
    --verify_also "talk,$3,$room/test_speech.wav" --verify_also "noise,$4,$room/test_noise.wav" \
    --verify_also "events,$4,$room/test_events.wav" \
    --output_file "$here/model.tflite" "${@:5}"
  "$here/../card.py" "$name" --data_dir "$corpus" --stream "$work/test_quiet" --room "$room" \
    --about_stream "A word every three seconds, three in ten of them other words, over background, \
as the tutorial mixes it." \
    --kind "words in noise at 10 dB,$work/test_noisy.wav,$work/test_noisy.txt" \
    --kind "talk,$room/test_speech.wav" --kind "noise,$room/test_noise.wav" \
    --kind "events,$room/test_events.wav"
}
