"""The typed sockets between the nodes: one for each float_core type. `FLOAT` alone is ComfyUI's number, hence the prefixes."""

from .comfy_api_v3 import io

Model = io.Custom("FLOAT_MODEL")  # managed_model.ManagedModel: a FloatModel and a patcher for each of its networks
Identity = io.Custom("FLOAT_IDENTITY")  # SourceIdentity
Audio = io.Custom("FLOAT_AUDIO")  # AudioFeatures
Emotion = io.Custom("FLOAT_EMOTION")  # EmotionCondition
Motion = io.Custom("FLOAT_MOTION")  # MotionSequence
Crop = io.Custom("FLOAT_CROP")  # CropTransform
Edit = io.Custom("FLOAT_EDIT")  # tuple of MotionEdit
