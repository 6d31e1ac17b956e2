-- Who wants to hear of every post of an account: few of many followers, who were all looked at for it.
CREATE INDEX follows_notified ON follows (target_id, account_id) WHERE local AND notify;
