package miniforge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// cursorLink leads to the attempts older than one.
func (c *call) cursorLink(older int64) string {
	query := url.Values{"cursor": {strconv.FormatInt(older, 10)}}
	if size := c.query("per_page"); size != "" {
		query.Set("per_page", size)
	}
	return fmt.Sprintf(`<%s/app/hook/deliveries?%s>; rel="next"`, c.api, query.Encode())
}

func (c *call) hookConfig() answer {
	return ok(object{"url": c.hookURL, "content_type": "json", "insecure_ssl": "0", "secret": "********"})
}

func (c *call) getDelivery() answer {
	a, there := c.findAttempt()
	if !there {
		return notFound()
	}
	o := deliveryItem(a)
	headers := object{}
	for key := range a.Header {
		headers[key] = a.Header.Get(key)
	}
	o["url"] = c.hookURL
	o["request"] = object{"headers": headers, "payload": json.RawMessage(a.Payload)}
	o["response"] = object{"headers": object{}, "payload": ""}
	return ok(o)
}

func (c *call) redeliverAttempt() answer {
	a, there := c.findAttempt()
	if !there {
		return notFound()
	}
	if err := c.redeliver(a.GUID); err != nil {
		return refusal(err)
	}
	return answer{status: http.StatusAccepted, body: object{}}
}
