package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/providers"
)

// maxWebhookBody is GitHub's own cap: larger events are not sent at all.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
const maxWebhookBody = 25 << 20

// Inbox stores deliveries; bot.Bot is one.
type Inbox interface {
	// Receive stores a delivery and its job in one transaction. Its error means
	// that nothing was stored.
	Receive(ctx context.Context, d bot.Delivery) (bot.Outcome, error)
}

func webhook(o Options) echo.HandlerFunc {
	return func(c echo.Context) error {
		provider, ok := o.Providers[c.Param("name")]
		if !ok {
			return answer(c, http.StatusNotFound, "unknown")
		}
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxWebhookBody))
		if err != nil {
			return answer(c, unreadable(err), "unreadable")
		}
		event, err := provider.ParseWebhook(c.Request().Header, body)
		if err != nil {
			return answer(c, refused(err), "refused")
		}
		c.Set(deliveryKey, event.Delivery)
		return receive(c, o, bot.Delivery{Provider: provider.Name(), GUID: event.Delivery, Event: event})
	}
}

func receive(c echo.Context, o Options, d bot.Delivery) error {
	outcome, err := o.Inbox.Receive(c.Request().Context(), d)
	if err != nil {
		o.Log.Error("a delivery was not stored; the forge can send it again", "delivery", d.GUID, "error", err)
		return answer(c, http.StatusServiceUnavailable, "not_stored")
	}
	return answer(c, http.StatusAccepted, string(outcome))
}

// outcomeKey is where a webhook's outcome waits for the metric.
const outcomeKey = "outcome"

func answer(c echo.Context, status int, outcome string) error {
	c.Set(outcomeKey, outcome)
	return c.JSON(status, map[string]string{"outcome": outcome})
}

func unreadable(err error) int {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func refused(err error) int {
	if errors.Is(err, providers.ErrSignature) {
		return http.StatusUnauthorized
	}
	return http.StatusServiceUnavailable
}
