package bot

// Register sets the handlers of the bot's jobs on the queue, makes the bot the
// domain's Authority, and subscribes it to the domain's changes.
func (b *Bot) Register() {}
