"""From audio to conditions: waveform preparation, the two audio encoders, emotion."""
