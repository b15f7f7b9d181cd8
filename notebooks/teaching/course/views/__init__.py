"""What the controls of a lesson redraw: settings in, figure with caption out."""
