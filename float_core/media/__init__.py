"""Images, audio and video: files in and out."""
