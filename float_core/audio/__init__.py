"""Sound to conditions: waveform preparation, the two audio encoders, and emotion.

Imports only torch; transformers and soxr are imported where they are used.
"""

from .compact_encoder import CompactAudioEncoder
from .emotion_timeline import EmotionKeyframe, emotion_keyframes_from_text, emotion_timeline
from .speech_emotion import SpeechEmotionClassifier, choose_emotion
from .wav2vec2_encoder import Wav2Vec2AudioEncoder
from .waveform import frame_count, mix_to_mono, normalise, prepare, waveform_peaks

__all__ = [
    "CompactAudioEncoder",
    "EmotionKeyframe",
    "SpeechEmotionClassifier",
    "Wav2Vec2AudioEncoder",
    "choose_emotion",
    "emotion_keyframes_from_text",
    "emotion_timeline",
    "frame_count",
    "mix_to_mono",
    "normalise",
    "prepare",
    "waveform_peaks",
]
